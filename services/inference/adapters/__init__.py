"""What inference reaches: Qdrant and Kafka."""
