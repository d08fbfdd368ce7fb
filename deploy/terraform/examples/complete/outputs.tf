output "settings" {
  description = "What the services are told, beside what the chart has."
  value = {
    KAFKA_BOOTSTRAP_SERVERS            = module.kafka.bootstrap_servers
    KAFKA_SECURITY_PROTOCOL            = "SASL_SSL"
    KAFKA_SASL_MECHANISM               = "AWS_MSK_IAM"
    KAFKA_AWS_REGION                   = var.region
    GLIDESLOPE_DEPLOYMENT              = module.names.deployment
    GLIDESLOPE_PARTITIONS              = module.capacity.partitions
    GLIDESLOPE_REPLICATION_FACTOR      = min(3, module.capacity.brokers)
    GLIDESLOPE_AUDIT_S3_BUCKET         = module.audit.bucket
    GLIDESLOPE_AUDIT_S3_KMS_KEY_ID     = module.keys.arns["audit"]
    GLIDESLOPE_AUDIT_S3_RETENTION_DAYS = module.audit.retention_days
    GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID   = module.keys.arns["master"]
  }
}

output "roles" {
  description = "ARN of each service's role; the cluster's pods take them by themselves."
  value       = module.rights.roles
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
