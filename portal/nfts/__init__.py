"""Shares on chain as the indexer mirrors them: tokens, moves and holdings at a moment."""
