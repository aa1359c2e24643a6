"""How fast the target moves with every parameter, and where in the picture it does."""
