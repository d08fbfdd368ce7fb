# What a workflow of GitHub's may that promotes: a releaser's rights, for as long as the job runs. The role goes by
# the environment, whose approval GitHub asks for first, and not by the runner, which any branch's job may be given.

locals {
  promotion_policies = var.promotion == null ? {} : {
    for file in fileset("${path.module}/policies", "releaser.*.json.tftpl") :
    trimsuffix(file, ".json.tftpl") => templatefile("${path.module}/policies/${file}", local.estate)
  }
}

resource "aws_iam_role" "promotion" {
  count = var.promotion == null ? 0 : 1

  name        = "${var.deployment}-promotion"
  description = "What promotes answers of ${var.deployment} from ${var.promotion.repository}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = var.promotion.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.promotion.repository}:environment:${var.promotion.environment}"
        }
      }
    }]
  })
}

resource "aws_iam_policy" "promotion" {
  for_each = local.promotion_policies

  name        = "${var.deployment}-promotion-${replace(each.key, ".", "-")}"
  description = "Generated from what a releaser needs, for the workflow that promotes"
  policy      = each.value
}

resource "aws_iam_role_policy_attachment" "promotion" {
  for_each = local.promotion_policies

  role       = aws_iam_role.promotion[0].name
  policy_arn = aws_iam_policy.promotion[each.key].arn
}
