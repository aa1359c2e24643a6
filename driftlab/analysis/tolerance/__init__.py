"""How far parameters may drift before a criterion fails: each by itself, and all of them together."""
