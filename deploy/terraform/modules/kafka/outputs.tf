output "name" {
  description = "Name of the cluster."
  value       = aws_msk_cluster.this.cluster_name
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_msk_cluster.this.arn
}

output "uuid" {
  description = "What AWS put after the cluster's name in ARNs."
  value       = aws_msk_cluster.this.cluster_uuid
}

output "bootstrap_servers" {
  description = "KAFKA_BOOTSTRAP_SERVERS, over TLS with IAM."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
}
