"""The chassis of every Billhook service."""
