"""What the text of a cell means: times and numbers in the notations that people use."""
