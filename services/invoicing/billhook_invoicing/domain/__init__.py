"""Pure rules of documents: what they hold, how they are numbered, what a payment code says."""
