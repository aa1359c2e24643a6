"""The widgets that panels are made of, a file each."""
