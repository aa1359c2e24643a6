"""Which drift breaks a model, and what breaks it first."""
