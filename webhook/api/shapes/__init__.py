"""What the API takes and answers with, a file for each blueprint."""
