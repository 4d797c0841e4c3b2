"""Undo: what rows of the log would become is planned, shown, and made by the normal services.

``effects`` says what one row did to which thing, ``folding`` what a whole request did to it, ``planning`` finds the
thing, later changes of the same values and what forbids it, ``applying`` makes the change. A new kind of thing is a
class in ``kinds`` (its model, its permissions, its services) and its name in ``effects.PLAIN``.
"""
