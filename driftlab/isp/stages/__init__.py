"""The stages of the camera data model, a file each; `driftlab.isp.pipeline` puts them in order."""
