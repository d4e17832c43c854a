"""The BERT family: encoders that read a text in both directions."""
