# A role for each service, with what it needs and nothing else. The policies are templates that
# `glideslope docs` writes from the services' own declarations (glideslope/access/aws).

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
  estate = {
    partition          = var.partition
    region             = var.region
    account            = var.account
    deployment         = var.deployment
    kafka_cluster      = var.kafka_cluster
    kafka_cluster_uuid = var.kafka_cluster_uuid
    audit_bucket       = var.audit_bucket
    audit_prefix       = var.audit_prefix
    audit_key          = var.keys["audit"]
    master_key         = var.keys["master"]
    secrets_key        = var.keys["secrets"]
    topic_prefix       = var.topic_prefix
  }

  policies = {
    for service in var.services : service => templatefile("${path.module}/policies/${service}.json.tftpl", local.estate)
  }

  # who is no service: somebody else's roles take these
  others = merge(
    length(var.auditor_arns) > 0 ? { auditor = var.auditor_arns } : {},
    length(var.witness_arns) > 0 ? { witness = var.witness_arns } : {},
  )
}

resource "aws_iam_role" "service" {
  for_each = var.services

  name        = "${var.deployment}-${each.value}"
  description = "What ${each.value} of ${var.deployment} may do"

  # this very cluster's pods of this very service account
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = var.account
          "aws:RequestTag/eks-cluster-name"           = var.cluster
          "aws:RequestTag/kubernetes-namespace"       = var.namespace
          "aws:RequestTag/kubernetes-service-account" = var.service_accounts[each.value]
        }
      }
    }]
  })
}

resource "aws_iam_policy" "service" {
  for_each = var.services

  name        = "${var.deployment}-${each.value}"
  description = "Generated from what ${each.value} declares"
  policy      = local.policies[each.value]
}

resource "aws_iam_role_policy_attachment" "service" {
  for_each = var.services

  role       = aws_iam_role.service[each.value].name
  policy_arn = aws_iam_policy.service[each.value].arn
}

resource "aws_iam_policy" "models" {
  count = var.model_policy == null ? 0 : 1

  name        = "${var.deployment}-models"
  description = "The models that releases name, and no others"
  policy      = var.model_policy
}

resource "aws_iam_role_policy_attachment" "models" {
  count = var.model_policy == null ? 0 : 1

  role       = aws_iam_role.service["inference"].name
  policy_arn = aws_iam_policy.models[0].arn
}

resource "aws_eks_pod_identity_association" "service" {
  for_each = var.services

  cluster_name    = var.cluster
  namespace       = var.namespace
  service_account = var.service_accounts[each.value]
  role_arn        = aws_iam_role.service[each.value].arn
}

resource "aws_iam_role" "other" {
  for_each = local.others

  name        = "${var.deployment}-${each.key}"
  description = "What ${each.key} of ${var.deployment} may do"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = each.value }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_policy" "other" {
  for_each = local.others

  name        = "${var.deployment}-${each.key}"
  description = "Generated from what ${each.key} needs"
  policy      = templatefile("${path.module}/policies/${each.key}.json.tftpl", local.estate)
}

resource "aws_iam_role_policy_attachment" "other" {
  for_each = local.others

  role       = aws_iam_role.other[each.key].name
  policy_arn = aws_iam_policy.other[each.key].arn
}
