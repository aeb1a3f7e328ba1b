"""Phone numbers: convert them to E.164, find their spellings in texts, and erase them."""
