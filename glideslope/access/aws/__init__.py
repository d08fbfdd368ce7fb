"""What each principal may do on AWS: the rights on Kafka as MSK reads them, and everything else."""
