output "roles" {
  description = "ARN of the role of each service."
  value       = { for service, role in aws_iam_role.service : service => role.arn }
}

output "other_roles" {
  description = "ARN of the roles of the auditor and the witness, where they were asked for."
  value       = { for name, role in aws_iam_role.other : name => role.arn }
}

output "policies" {
  description = "The policies as they are attached, JSON, by principal.part."
  value       = local.policies
}

output "promotion_role" {
  description = "ARN of the role of the workflow that promotes, AWS_ROLE_ARN of its environment; null without one."
  value       = one(aws_iam_role.promotion[*].arn)
}
