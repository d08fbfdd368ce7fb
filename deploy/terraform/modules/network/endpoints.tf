# The AWS services that are used, inside of the network. Each endpoint serves this account alone: a
# key of another account, brought in by whom it may be, carries nothing out through it.

locals {
  ours = { StringEquals = { "aws:PrincipalAccount" = var.account } }

  # what the services call, and what a Kubernetes node without internet needs to live
  services = toset(concat(
    # while no release names a model of Bedrock, there is no way to any
    length(var.model_arns) > 0 ? ["bedrock-runtime"] : [],
    ["kms", "secretsmanager", "sts"],
    ["autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "monitoring"],
  ))

  endpoint_statements = {
    bedrock-runtime = [{
      Sid       = "ModelsOfReleasesAlone"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["bedrock:ApplyGuardrail", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
      Resource  = var.model_arns
      Condition = local.ours
    }]
    secretsmanager = [{
      Sid       = "SecretsOfTheDeploymentAlone"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource  = "arn:${var.partition}:secretsmanager:${var.region}:${var.account}:secret:${var.deployment}/*"
      Condition = local.ours
    }]
  }

  of_the_account = [{
    Sid       = "OfThisAccountAlone"
    Effect    = "Allow"
    Principal = "*"
    Action    = "*"
    Resource  = "*"
    Condition = local.ours
  }]

  bucket_objects = [for arn in var.bucket_arns : "${arn}/*"]
}

resource "aws_security_group" "endpoints" {
  name        = "${var.deployment}-endpoints"
  description = "HTTPS from the network to the endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.deployment}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the network"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.services

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.isolated : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = lookup(local.endpoint_statements, each.key, local.of_the_account)
  })

  tags = { Name = "${var.deployment}-${each.key}" }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([aws_route_table.isolated.id], [for table in aws_route_table.private : table.id])

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OurBucketsAlone"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:*"
        Resource  = concat(var.bucket_arns, local.bucket_objects)
        Condition = local.ours
      },
      {
        # the registry keeps images' layers there, and gives out signed addresses
        Sid       = "LayersOfImages"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:${var.partition}:s3:::prod-${var.region}-starport-layer-bucket/*"
      },
    ]
  })

  tags = { Name = "${var.deployment}-s3" }
}
