"""The command line: parses options, calls the pipeline, prints and writes what it gives back."""
