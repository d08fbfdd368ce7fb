output "values" {
  description = "Values of the Helm chart, YAML: `terraform output -raw values > aws.yaml`."
  value       = module.values.values
}

output "manifests" {
  description = "What is applied to the cluster before the chart, YAML: a StorageClass under the deployment's key, and the store of External Secrets."
  value       = module.values.manifests
}

output "roles" {
  description = "ARN of each role. Pods of the cluster take theirs by themselves; the auditor's and the witness's are for whom you named."
  value       = merge(module.rights.roles, module.rights.other_roles)
}

output "cluster" {
  description = "EKS cluster that the chart is installed on."
  value       = module.cluster.name
}

output "database" {
  description = "Host of the review queue's database, and the secret with its administrator's password."
  value = {
    host          = module.database.address
    administrator = module.database.master_secret_arn
  }
}

output "secrets" {
  description = "ARN of each secret that waits for its value."
  value       = module.secrets.arns
}

output "replicas" {
  description = "Replicas of the busiest service at the peak."
  value       = module.capacity.replicas
}

output "estate" {
  description = "Names and ARNs that policies are made from: `glideslope access aws NAME --estate FILE`."
  value = {
    partition          = local.partition
    region             = var.region
    account            = var.account
    deployment         = module.names.deployment
    kafka_cluster      = module.kafka.name
    kafka_cluster_uuid = module.kafka.uuid
    audit_bucket       = module.names.audit_bucket
    audit_key          = module.keys.arns["audit"]
    master_key         = module.keys.arns["master"]
    secrets_key        = module.keys.arns["secrets"]
  }
}

output "promotion_role" {
  description = "ARN of the role of the workflow that promotes, AWS_ROLE_ARN of its environment; null without one."
  value       = module.rights.promotion_role
}
