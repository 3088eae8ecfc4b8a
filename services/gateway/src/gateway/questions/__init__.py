"""Questions to analytics over HTTP: from a URL or JSON to a typed question, and the answer back."""
