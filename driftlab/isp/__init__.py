"""The differentiable camera data model: stages, settings and pipelines, from sensor samples to display RGB."""
