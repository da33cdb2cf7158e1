"""The pages: each view asks the services and hands their JSON to a template."""
