# KMS keys: one for each kind of data, so that each use is on record and each can be ended alone.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

locals {
  root       = "arn:${var.partition}:iam::${var.account}:root"
  audit_role = "arn:${var.partition}:iam::${var.account}:role/${var.audit_role}"

  # IAM decides who may use a key; the account's root stays able to
  administration = {
    Sid       = "AccountAdministersAndIamDecides"
    Effect    = "Allow"
    Principal = { AWS = local.root }
    Action    = "kms:*"
    Resource  = "*"
  }

  # the keys of persons are opened by audit, and by nobody else whatever IAM says
  only_audit = {
    Sid       = "OnlyAuditOpensKeysOfPersons"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    Resource  = "*"
    Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.audit_role } }
  }

  # a grant would go round this policy
  no_grants = {
    Sid       = "NoGrantsOfKeysOfPersons"
    Effect    = "Deny"
    Principal = "*"
    Action    = "kms:CreateGrant"
    Resource  = "*"
  }

  # whoever deletes this key erases everybody; it takes 30 days, and one of these to ask for it
  only_custodians = {
    Sid       = "OnlyCustodiansEndTheKey"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]
    Resource  = "*"
    Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat(var.key_custodians, [local.root]) } }
  }

  logs_write = {
    Sid       = "CloudWatchLogsEncrypts"
    Effect    = "Allow"
    Principal = { Service = "logs.${var.region}.amazonaws.com" }
    Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    Resource  = "*"
    Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${var.partition}:logs:${var.region}:${var.account}:log-group:*" } }
  }

  # IAM lets a service-linked role use no key of ours: without these two no node starts. From the user
  # guide of EC2 Auto Scaling, "Required AWS KMS key policy for use with encrypted volumes".
  autoscaling = "arn:${var.partition}:iam::${var.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  nodes_start = {
    Sid       = "AutoScalingEncryptsVolumesOfNodes"
    Effect    = "Allow"
    Principal = { AWS = local.autoscaling }
    Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    Resource  = "*"
  }

  nodes_attach = {
    Sid       = "AutoScalingLetsEc2AttachThem"
    Effect    = "Allow"
    Principal = { AWS = local.autoscaling }
    Action    = "kms:CreateGrant"
    Resource  = "*"
    Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
  }

  alarms_are_sent = {
    Sid       = "AlarmsAndBudgetsAreSent"
    Effect    = "Allow"
    Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] }
    Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
  }

  keys = {
    audit      = { about = "encrypts the objects of the audit logs in S3", statements = [] }
    cluster    = { about = "encrypts Kubernetes secrets and the nodes' volumes", statements = [local.nodes_start, local.nodes_attach] }
    database   = { about = "encrypts the review queue, its backups and its master password", statements = [] }
    kafka      = { about = "encrypts what Kafka keeps", statements = [] }
    master     = { about = "wraps the keys of persons and the signing keys of audit", statements = [local.only_audit, local.no_grants, local.only_custodians] }
    operations = { about = "encrypts logs and alarms", statements = [local.logs_write, local.alarms_are_sent] }
    secrets    = { about = "encrypts the services' secrets", statements = [] }
  }
}

resource "aws_kms_key" "this" {
  for_each = local.keys

  description             = "${var.deployment}: ${each.value.about}"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.administration], each.value.statements)
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.deployment}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
