"""The only door: sign-in, permissions, API keys, pages."""
