"""What is said: words in two languages, Korean particles, text that is safe to print."""
