### 암호화된 연결과 그 위의 로그인에서 잘못된 것.

tls-unknown-issuer = 신뢰하는 기관 중 서버의 인증서를 보증하는 곳이 없습니다. ca_file에 보증하는 기관을 지정하거나, 자체 서명한 인증서라면 그 인증서를 지정하십시오
tls-expired = 서버의 인증서가 만료되었습니다
tls-not-yet = 서버의 인증서가 아직 유효하지 않거나 이 호스트의 시계가 늦습니다
tls-wrong-name = 서버의 인증서가 다른 이름의 것입니다: { $what }
tls-bad-certificate = 서버의 인증서를 사용할 수 없습니다: { $what }
tls-not-spoken = 응답하는 쪽이 TLS를 사용하지 않습니다
tls-not-offered = 서버가 TLS를 제공하지 않습니다
tls-refused = 서버가 TLS를 중단했습니다: { $what }
tls-failed = TLS가 실패했습니다: { $what }
tls-file = TLS에 쓸 파일을 사용할 수 없습니다: { $what }

mysql-plugin = 서버가 지원하지 않는 방식으로 비밀번호를 요구합니다: { $plugin }
kafka-lacks = { $broker }{ JOSA($broker, "이/가") } { $message } 메시지를 받지 않습니다
kafka-mechanism = { $broker }{ JOSA($broker, "이/가") } { $mechanism }{ JOSA($mechanism, "을/를") } 받지 않고 다음을 받습니다: { $offered }
kafka-impostor = 서버가 알고 있어야 할 비밀번호를 모릅니다. 스스로 밝힌 서버가 아닙니다
