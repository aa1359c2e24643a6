"""The task model: display RGB in, logits out. The formats' own packages are imported when a file asks for them."""
