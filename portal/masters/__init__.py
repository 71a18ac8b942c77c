"""Masters and their IPOs: the recording, who shares in it, the offer and the contracts on chain."""
