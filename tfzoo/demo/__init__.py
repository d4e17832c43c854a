"""A page on which a person tries models: a tab for each bundle, by what it does.

`server.py` starts and stops it, `page.py` puts the tabs together, `engine.py` asks the engine of
`tfzoo.serving`, in this process. Every other file is a tab: functions on values, and `tab`, which
lays out what calls them. Like the server, the page runs bundles and knows no model.
"""
