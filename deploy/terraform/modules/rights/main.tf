# A role for each service, with what it needs and nothing else. The policies are templates that
# `glideslope access aws --write` makes from the services' own declarations (glideslope/access/aws).

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

  # who is no service: somebody else's roles take these
  others = merge(
    length(var.auditor_arns) > 0 ? { auditor = var.auditor_arns } : {},
    length(var.witness_arns) > 0 ? { witness = var.witness_arns } : {},
  )

  # <principal>.<part>.json.tftpl; IAM allows 6,144 characters in a policy, hence the parts
  policies = {
    for file in fileset("${path.module}/policies", "*.json.tftpl") :
    trimsuffix(file, ".json.tftpl") => templatefile("${path.module}/policies/${file}", local.estate)
    if contains(concat(tolist(var.services), keys(local.others)), split(".", file)[0])
  }
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
          "aws:RequestTag/kubernetes-namespace"       = lookup(var.namespaces, each.value, var.namespace)
          "aws:RequestTag/kubernetes-service-account" = var.service_accounts[each.value]
        }
      }
    }]
  })
}

resource "aws_iam_policy" "this" {
  for_each = local.policies

  name        = "${var.deployment}-${replace(each.key, ".", "-")}"
  description = "Generated from what ${split(".", each.key)[0]} needs, part ${split(".", each.key)[1]}"
  policy      = each.value

  lifecycle {
    precondition {
      condition     = length(replace(each.value, "/\\s/", "")) <= 6144
      error_message = "The policy ${each.key} would be longer than the 6,144 characters that IAM allows: choose shorter names for the deployment and the topic prefix."
    }
  }
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.policies

  role       = merge(aws_iam_role.service, aws_iam_role.other)[split(".", each.key)[0]].name
  policy_arn = aws_iam_policy.this[each.key].arn
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
  namespace       = lookup(var.namespaces, each.value, var.namespace)
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
