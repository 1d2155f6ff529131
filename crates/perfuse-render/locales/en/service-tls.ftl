### What is wrong with an encrypted connection, and with the login over one.

tls-unknown-issuer = nobody who is trusted vouches for the certificate of the server; name with ca_file who is, or the certificate itself if it is self-signed
tls-expired = the certificate of the server has expired
tls-not-yet = the certificate of the server is not valid yet, or the clock of this host is behind
tls-wrong-name = the certificate of the server is for another name: { $what }
tls-bad-certificate = the certificate of the server cannot be used: { $what }
tls-not-spoken = what answers there does not speak TLS
tls-not-offered = the server does not offer TLS
tls-refused = the server broke off TLS: { $what }
tls-failed = TLS failed: { $what }
tls-file = a file for TLS cannot be used: { $what }

mysql-plugin = the server wants the password in a way that is not spoken here: { $plugin }
kafka-lacks = { $broker } does not take { $message }
kafka-mechanism = { $broker } does not take { $mechanism }, but: { $offered }
kafka-impostor = the server does not know the password that it should know; it is not the one it claims to be
