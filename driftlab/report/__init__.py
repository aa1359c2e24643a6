"""Reports: what a search has found, as JSON, HTML, PDF and CSV; and cameras judged against it. Computes no results."""
