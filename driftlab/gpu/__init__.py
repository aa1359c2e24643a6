"""The data model on the GPU: stages' WGSL bodies become compute passes over buffers, headless, numpy in and out."""
