variable "deployment" {
  description = "Name of the deployment: GLIDESLOPE_DEPLOYMENT of its services, and the start of every name on AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}$", var.deployment)) && !endswith(var.deployment, "-")
    error_message = "The deployment's name is 2 to 24 of a-z, 0-9 and -, begins with a letter and does not end with -: it is a part of names of S3 buckets and IAM roles."
  }
}

variable "account" {
  description = "Account that the deployment is in, 12 digits."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An AWS account is 12 digits."
  }
}

variable "region" {
  description = "Region that the deployment is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is a name such as eu-central-1."
  }
}

variable "services" {
  description = "Services that get a role each."
  type        = set(string)
  default     = ["audit", "inference", "ingest", "review", "validator"]
}
