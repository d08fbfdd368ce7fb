# The whole deployment on AWS, from the network to the alarms. docs/aws.md says in what order.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
  # A state names every resource. Keep it in a bucket of yours, encrypted and versioned:
  # backend "s3" { bucket = "…", key = "glideslope.tfstate", region = "…", use_lockfile = true }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { deployment = var.deployment }
  }
}

locals {
  partition = "aws"
  models    = var.model_policy_file == null ? null : file(var.model_policy_file)
  model_arns = local.models == null ? [] : distinct(flatten([
    for statement in jsondecode(local.models).Statement : statement.Resource
  ]))
}

module "names" {
  source = "../../modules/names"

  deployment = var.deployment
  account    = var.account
  region     = var.region
}

module "capacity" {
  source = "../../modules/capacity"

  questions_per_day = var.questions_per_day
  peak_factor       = var.peak_factor
  zones             = length(var.zones)
}

module "keys" {
  source = "../../modules/keys"

  deployment     = var.deployment
  partition      = local.partition
  region         = var.region
  account        = var.account
  audit_role     = module.names.roles["audit"]
  key_custodians = var.key_custodians
}

module "network" {
  source = "../../modules/network"

  deployment      = var.deployment
  partition       = local.partition
  region          = var.region
  account         = var.account
  cidr            = var.cidr
  zones           = var.zones
  internet_egress = var.internet_egress
  model_arns      = local.model_arns
  bucket_arns     = ["arn:${local.partition}:s3:::${module.names.audit_bucket}"]
  key_arn         = module.keys.arns["operations"]
}

module "audit" {
  source = "../../modules/audit"

  bucket         = module.names.audit_bucket
  partition      = local.partition
  account        = var.account
  key_arn        = module.keys.arns["audit"]
  retention_days = var.audit_retention_days
  audit_role_arn = module.rights.roles["audit"]
  witness_arns   = [for name, arn in module.rights.other_roles : arn if name == "witness"]
}

module "cluster" {
  source = "../../modules/cluster"

  deployment          = var.deployment
  partition           = local.partition
  account             = var.account
  existing_cluster    = var.existing_cluster
  isolated_subnet_ids = module.network.isolated_subnet_ids
  private_subnet_ids  = module.network.private_subnet_ids
  architecture        = var.architecture
  administrator_arns  = var.cluster_administrators
  key_arn             = module.keys.arns["cluster"]
  log_key_arn         = module.keys.arns["operations"]
}

module "kafka" {
  source = "../../modules/kafka"

  deployment             = var.deployment
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.isolated_subnet_ids
  client_security_groups = { nodes = module.cluster.node_security_group_id }
  brokers                = module.capacity.brokers
  volume_gib             = module.capacity.volume_gib
  key_arn                = module.keys.arns["kafka"]
  log_key_arn            = module.keys.arns["operations"]
}

module "database" {
  source = "../../modules/database"

  deployment             = var.deployment
  partition              = local.partition
  account                = var.account
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.isolated_subnet_ids
  client_security_groups = { nodes = module.cluster.node_security_group_id }
  key_arn                = module.keys.arns["database"]
}

module "secrets" {
  source = "../../modules/secrets"

  deployment = var.deployment
  secrets    = var.secrets
  key_arn    = module.keys.arns["secrets"]
}

module "rights" {
  source = "../../modules/rights"

  deployment         = var.deployment
  partition          = local.partition
  region             = var.region
  account            = var.account
  cluster            = module.cluster.name
  kafka_cluster      = module.kafka.name
  kafka_cluster_uuid = module.kafka.uuid
  audit_bucket       = module.names.audit_bucket
  keys               = module.keys.arns
  model_policy       = local.models
  auditor_arns       = var.auditor_arns
  witness_arns       = var.witness_arns
  promotion          = var.promotion
}

module "values" {
  source = "../../modules/values"

  deployment         = module.names.deployment
  region             = var.region
  registry           = coalesce(var.registry, "${var.account}.dkr.ecr.${var.region}.amazonaws.com/${var.deployment}")
  bootstrap_servers  = module.kafka.bootstrap_servers
  partitions         = module.capacity.partitions
  most_replicas      = 2 * module.capacity.replicas # the peak was estimated
  replication_factor = min(3, module.capacity.brokers)
  isolated_cidrs     = module.network.isolated_cidrs
  s3_cidrs           = module.network.s3_cidrs
  internet_egress    = var.internet_egress && var.existing_cluster == null
  model_providers    = var.providers_file == null ? {} : jsondecode(file(var.providers_file))
  secrets            = keys(module.secrets.arns)
  audit_bucket       = module.audit.bucket
  retention_days     = module.audit.retention_days
  audit_key_arn      = module.keys.arns["audit"]
  master_key_arn     = module.keys.arns["master"]
  volume_key_arn     = module.keys.arns["cluster"]
}

module "alarms" {
  source = "../../modules/alarms"

  deployment        = var.deployment
  account           = var.account
  emails            = var.alarm_emails
  key_arn           = module.keys.arns["operations"]
  kafka_cluster     = module.kafka.name
  brokers           = module.capacity.brokers
  database          = module.database.identifier
  model_ids         = var.model_ids
  budget_usd        = var.budget_usd
  models_budget_usd = var.models_budget_usd
}
