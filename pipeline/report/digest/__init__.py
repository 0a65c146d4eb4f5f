"""The daily digest: figures from storage, words for them, and the mail that carries them."""
