"""Linking: which spans of a question name which nodes of the graph.

Belongs: normal forms of names, mention detection, candidates in stages, the choice among them.
Does not belong: the making of the lexicon (knowledge/lexicon.py), paths, what a model is asked (chains/tasks).
Rule: every score is an integer and every tie is broken by node index, so a result is the same on any machine.
"""

from medreason.graph.linking.linker import Linker, borrowed_parts, collapsed_options, finding_nodes
from medreason.graph.linking.settings import LinkingSettings
from medreason.graph.linking.values import Candidate, Mention

__all__ = ["Candidate", "Linker", "LinkingSettings", "Mention", "borrowed_parts", "collapsed_options", "finding_nodes"]
