"""How long a test waits for what must come, in seconds: long, since the machine may be busy with something else.

What never comes fails the test all the same; nothing is measured by it.
"""

PATIENCE = 120
