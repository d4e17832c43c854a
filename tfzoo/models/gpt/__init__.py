"""The GPT family: causal language models."""
