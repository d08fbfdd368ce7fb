output "deployment" {
  description = "The deployment's name, as it was given and found good."
  value       = var.deployment
}

output "audit_bucket" {
  description = "Name of the bucket that holds the audit logs."
  value       = local.bucket

  precondition {
    condition     = length(local.bucket) <= 63
    error_message = "The bucket would be called ${local.bucket}, which is longer than the 63 characters that S3 allows: choose a shorter name for the deployment."
  }
}

output "roles" {
  description = "Name of each service's role."
  value       = { for service in var.services : service => "${var.deployment}-${service}" }
}

output "secrets" {
  description = "What the names of each service's secrets begin with."
  value       = { for service in var.services : service => "${var.deployment}/${service}/" }
}
