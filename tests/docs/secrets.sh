# The advertisement of a Tang server.
keys=$(mktemp -d)
/usr/libexec/tangd-keygen "$keys"
printf 'GET /adv HTTP/1.1\r\nHost: tang.example.com\r\n\r\n' | /usr/libexec/tangd "$keys" 2>/dev/null | sed '1,/^\r$/d' >adv.jws
chmod 644 adv.jws
