"""The pages' own layer: formats, words, navigation, charts, static files and the template environment.

Nothing here calls a service. A page's context is the JSON of the services as it came; these modules give templates the
words and figures a person reads.
"""
