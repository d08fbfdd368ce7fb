# Amazon EKS with Pod Identity, its API inside of the network; or a cluster that is there already.

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
  make = var.existing_cluster == null
  name = local.make ? aws_eks_cluster.this[0].name : data.aws_eks_cluster.existing[0].name
  # the group that EKS puts on all nodes of a managed node group
  nodes = local.make ? aws_eks_cluster.this[0].vpc_config[0].cluster_security_group_id : data.aws_eks_cluster.existing[0].vpc_config[0].cluster_security_group_id

  # what the add-ons that call AWS may do, by their roles
  addon_policies = local.make ? {
    aws-ebs-csi-driver = "service-role/AmazonEBSCSIDriverPolicy"
    vpc-cni            = "AmazonEKS_CNI_Policy"
  } : {}

  # an image runs on the architecture that it was built for, and on no other
  machines = {
    x86_64 = { ami = "BOTTLEROCKET_x86_64", types = ["m7i.large"] }
    arm64  = { ami = "BOTTLEROCKET_ARM_64", types = ["m7g.large"] }
  }

  node_groups = merge(
    { isolated = var.isolated_subnet_ids },
    length(var.private_subnet_ids) > 0 ? { egress = var.private_subnet_ids } : {},
  )
}

data "aws_eks_cluster" "existing" {
  count = local.make ? 0 : 1

  name = var.existing_cluster
}

resource "aws_cloudwatch_log_group" "this" {
  count = local.make ? 1 : 0

  name              = "/aws/eks/${var.deployment}/cluster" # EKS writes there and nowhere else
  kms_key_id        = var.log_key_arn
  retention_in_days = var.log_days
}

resource "aws_iam_role" "cluster" {
  count = local.make ? 1 : 0

  name = "${var.deployment}-cluster"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  count = local.make ? 1 : 0

  role       = aws_iam_role.cluster[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "this" {
  count = local.make ? 1 : 0

  name                      = var.deployment
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.cluster[0].arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  deletion_protection       = true

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.key_arn
    }
  }

  vpc_config {
    subnet_ids              = var.isolated_subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = false
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.cluster]
}

resource "aws_eks_access_entry" "administrators" {
  for_each = local.make ? var.administrator_arns : []

  cluster_name  = aws_eks_cluster.this[0].name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "administrators" {
  for_each = aws_eks_access_entry.administrators

  cluster_name  = each.value.cluster_name
  principal_arn = each.value.principal_arn
  policy_arn    = "arn:${var.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# ── nodes ────────────────────────────────────────────────────────────────────────────────────────

resource "aws_iam_role" "node" {
  count = local.make ? 1 : 0

  name = "${var.deployment}-node"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = local.make ? toset(["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"]) : []

  role       = aws_iam_role.node[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.value}"
}

resource "aws_launch_template" "node" {
  count = local.make ? 1 : 0

  name_prefix = "${var.deployment}-node-"

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted   = true
      kms_key_id  = var.key_arn
      volume_size = 50
      volume_type = "gp3"
    }
  }

  # a pod does not reach the node's role: that takes one hop more than is allowed
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.make ? local.node_groups : {}

  cluster_name    = aws_eks_cluster.this[0].name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node[0].arn
  subnet_ids      = each.value
  ami_type        = local.machines[var.architecture].ami
  instance_types  = coalesce(var.instance_types, local.machines[var.architecture].types)
  labels          = { "glideslope.dev/network" = each.key }

  launch_template {
    id      = aws_launch_template.node[0].id
    version = aws_launch_template.node[0].latest_version
  }

  scaling_config {
    desired_size = var.nodes
    min_size     = var.nodes
    max_size     = var.most_nodes
  }

  # what did not ask for the way out does not get it
  dynamic "taint" {
    for_each = each.key == "egress" ? [each.key] : []

    content {
      key    = "glideslope.dev/network"
      value  = taint.value
      effect = "NO_SCHEDULE"
    }
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size] # the autoscaler's
  }

  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.before_nodes]
}

# ── add-ons ──────────────────────────────────────────────────────────────────────────────────────

resource "aws_iam_role" "addon" {
  for_each = local.addon_policies

  name = "${var.deployment}-${each.key}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "addon" {
  for_each = local.addon_policies

  role       = aws_iam_role.addon[each.key].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.value}"
}

resource "aws_eks_addon" "before_nodes" {
  for_each = local.make ? toset(["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]) : []

  cluster_name = aws_eks_cluster.this[0].name
  addon_name   = each.value
  # NetworkPolicies are the chart's, and hold only where the network plugin enforces them
  configuration_values = each.value == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null

  dynamic "pod_identity_association" {
    for_each = each.value == "vpc-cni" ? [aws_iam_role.addon["vpc-cni"].arn] : []

    content {
      role_arn        = pod_identity_association.value
      service_account = "aws-node"
    }
  }
}

resource "aws_eks_addon" "after_nodes" {
  for_each = local.make ? toset(["aws-ebs-csi-driver", "coredns", "metrics-server"]) : []

  cluster_name = aws_eks_cluster.this[0].name
  addon_name   = each.value

  dynamic "pod_identity_association" {
    for_each = each.value == "aws-ebs-csi-driver" ? [aws_iam_role.addon["aws-ebs-csi-driver"].arn] : []

    content {
      role_arn        = pod_identity_association.value
      service_account = "ebs-csi-controller-sa"
    }
  }

  depends_on = [aws_eks_node_group.this]
}

# volumes are encrypted under our key, which the driver has to be let use
resource "aws_iam_role_policy" "volumes" {
  count = local.make ? 1 : 0

  name = "encrypt-volumes"
  role = aws_iam_role.addon["aws-ebs-csi-driver"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = var.key_arn
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource = var.key_arn
      },
    ]
  })
}
