"""The live room where fans vote on the last decisions of a track."""
