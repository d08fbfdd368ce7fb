output "arns" {
  description = "ARN of each key, by what it is for: audit, cluster, database, kafka, master, operations, secrets."
  value       = { for name, key in aws_kms_key.this : name => key.arn }
}
