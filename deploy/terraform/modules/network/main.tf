# The network: subnets without a way to the internet, and the AWS services that are used brought in.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

module "subnets" {
  source = "../subnets"

  cidr            = var.cidr
  zones           = var.zones
  internet_egress = var.internet_egress
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.deployment }
}

# nobody uses it by mistake: it lets nothing in or out
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.deployment}-default-closed" }
}

# ── isolated: inference and everything else that needs no internet ──────────────────────────────

resource "aws_subnet" "isolated" {
  for_each = module.subnets.isolated

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = {
    Name                              = "${var.deployment}-isolated-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  }
}

# Its routes are those of the network itself, and S3's gateway. There is no other: tests hold it.
resource "aws_route_table" "isolated" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.deployment}-isolated" }
}

resource "aws_route_table_association" "isolated" {
  for_each = aws_subnet.isolated

  subnet_id      = each.value.id
  route_table_id = aws_route_table.isolated.id
}

# ── private: with a way out, where something has to reach a provider of models outside of AWS ────

resource "aws_subnet" "private" {
  for_each = module.subnets.private

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = { Name = "${var.deployment}-private-${each.key}" }
}

resource "aws_subnet" "public" {
  for_each = module.subnets.public

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = { Name = "${var.deployment}-public-${each.key}" }
}

resource "aws_internet_gateway" "this" {
  count = var.internet_egress ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = var.deployment }
}

resource "aws_eip" "nat" {
  # checkov:skip=CKV2_AWS_19:it belongs to a NAT gateway, which is no instance
  for_each = module.subnets.public

  domain = "vpc"

  tags = { Name = "${var.deployment}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = module.subnets.public

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.deployment}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  for_each = module.subnets.public

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.deployment}-public-${each.key}" }
}

resource "aws_route" "public" {
  for_each = module.subnets.public

  route_table_id         = aws_route_table.public[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = module.subnets.public

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public[each.key].id
}

resource "aws_route_table" "private" {
  for_each = module.subnets.private

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.deployment}-private-${each.key}" }
}

resource "aws_route" "private" {
  for_each = module.subnets.private

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key].id
}

resource "aws_route_table_association" "private" {
  for_each = module.subnets.private

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

# ── what went where, for whoever has to look into an incident ────────────────────────────────────

resource "aws_cloudwatch_log_group" "flows" {
  name              = "/glideslope/${var.deployment}/flows"
  kms_key_id        = var.key_arn
  retention_in_days = var.log_days
}

resource "aws_iam_role" "flows" {
  name = "${var.deployment}-flows"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy" "flows" {
  name = "write-flows"
  role = aws_iam_role.flows.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.flows.arn}:*"
    }]
  })
}

resource "aws_flow_log" "this" {
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows.arn
  iam_role_arn    = aws_iam_role.flows.arn
}
