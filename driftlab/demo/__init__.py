"""The bundled example: a simulated blood-smear camera, a network trained on it, and how the two drift apart.

All of it is simulated: no picture, no cell and no number of it comes from a patient or a real camera.
"""

from driftlab.demo.example import DemoError, Step, write_demo

__all__ = ["DemoError", "Step", "write_demo"]
