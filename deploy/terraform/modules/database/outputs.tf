output "address" {
  description = "Host of the database."
  value       = aws_db_instance.this.address
}

output "identifier" {
  description = "Name of the instance, for alarms."
  value       = aws_db_instance.this.identifier
}

output "master_secret_arn" {
  description = "Secret in which RDS keeps the administrator's password; no service may read it."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}
