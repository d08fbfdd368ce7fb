#!/bin/sh
# Makes what this deployment needs to be kept secret, where it is not there yet. Each folder is a volume that
# only its readers have; a file is readable for all, for its readers are not this user.
set -eu
umask 022

keep() { # file, from standard input
    if [ -s "$1" ]; then cat > /dev/null; else cat > "$1.new" && mv "$1.new" "$1"; fi
}
random() { # bytes
    head -c "$1" /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d =
}

random 32 | keep /secrets/postgres/password
printf 'postgresql+asyncpg://glideslope:%s@postgres/glideslope' "$(cat /secrets/postgres/password)" |
    keep /secrets/review/glideslope_review_database
head -c 32 /dev/urandom | base64 -w 0 | keep /secrets/audit/glideslope_audit_master_key
random 24 | keep /secrets/grafana/password
# The stand-in for S3 asks for some key, and looks at none.
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$(random 15)" "$(random 30)" |
    keep /secrets/aws/credentials
printf '[default]\nregion = eu-central-1\ns3 =\n  addressing_style = path\n' | keep /secrets/aws/config
