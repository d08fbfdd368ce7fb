"""A stand-in for model providers: it speaks their protocols, quotes, and fails as it is told.

For tests, demonstrations and work without a cloud. It speaks Amazon Bedrock's Converse,
ConverseStream and InvokeModel (Titan and Cohere embeddings), and OpenAI's chat completions and
embeddings, Azure's paths included. What it answers is quoted from the passages in the prompt; its
embeddings are hashed words. Neither is evidence of how a model would do.
"""
