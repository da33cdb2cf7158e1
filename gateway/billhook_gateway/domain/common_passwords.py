"""The commonest passwords of twelve characters and more; shorter ones are refused for their length."""

COMMON_PASSWORDS = frozenset(
    """
    000000000000 111111111111 121212121212 123123123123 1234567890ab 123456123456 123456654321 123456789000
    123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 12345678901234567890
    123456789101 1234567891011 123456789123 123456789987654321 1234567890qwerty 123456789abc 12345678910a
    1234qwerasdf 123654789123 147258369147 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz2wsx3edc
    1qaz2wsx3edc4rfv 1qazxsw23edc 222222222222 333333333333 444444444444 555555555555 666666666666 777777777777
    888888888888 987654321000 987654321012 999999999999 aaaaaaaaaaaa abc123456789 abcd12345678 abcd1234abcd
    abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abcdef123456 admin1234567 admin12345678
    admin123456789 adminadminadmin administrator administrator1 administrator123 asdasdasdasd asdfasdfasdf
    asdfghjkl123 asdfghjkl1234 asdfghjkl;'\\ asdfghjklqwertyuiop asdfghjklzxcvbnm azertyuiop12 azertyuiop123
    babygirl1234 baseball1234 basketball12 billhook1234 billhookbillhook changeme1234 changemechangeme
    changemenow1 changepassword chocolate123 computer1234 correcthorsebatterystaple defaultpassword dragon123456
    fedcba987654 football1234 football12345 fuckyou12345 gfhjkmgfhjkm hellohello12 hello1234567 iloveyou1234
    iloveyou12345 iloveyoubaby iloveyouforever iloveyousomuch internet1234 jesuschrist1 letmein12345
    letmeinletmein liverpool123 manchester12 manchesterunited master123456 michael12345 monkey123456 motdepasse12
    motdepasse123 myspace12345 mypassword12 mypassword123 mypassword1234 newpassword1 newpassword12 newpassword123
    northernlights p4ssw0rd1234 p@ssw0rd1234 p@ssw0rd12345 p@ssword1234 pa$$w0rd1234 passw0rd1234 passw0rd12345
    password0000 password1111 password1234 password12345 password123456 password1234567 password12345678
    password123456789 password1!23 password@123 password@1234 password2024 password2025 password2026 passwordpassword
    princess1234 q1w2e3r4t5y6 q1w2e3r4t5y6u7 qazwsxedcrfv qazwsxedcrfvtgb qazwsxedc123 qqqqqqqqqqqq qwer1234qwer
    qwerasdfzxcv qwerty123456 qwerty1234567 qwerty12345678 qwerty123456789 qwertyqwerty qwertyui1234 qwertyuiop12
    qwertyuiop123 qwertyuiop1234 qwertyuiopasdf qwertyuiopasdfghjkl qwertyuiop[] qwertyuiop[]\\ qwertzuiop12
    qwertzuiop123 raspberrypi1 rootrootroot samsung12345 secret123456 secretsecret startrek1234 starwars1234
    summer2024!! summer2025!! summer2026!! sunshine1234 superman1234 supersecret1 teamomucho12 testtesttest
    test12345678 test123456789 thisismypassword trustno12345 trustno1trustno1 unitedstates vfhecz123456
    verysecretpassword welcome12345 welcome123456 welcomewelcome whatever1234 xxxxxxxxxxxx yourpassword zaq12wsxcde3
    zaq1zaq1zaq1 zxcvbnm12345 zxcvbnm123456 zxcvbnmasdfg zxcvbnmasdfghjkl zxcvbnmasdfghjklqwertyuiop
    """.split()  # noqa: SIM905  (a literal would be two hundred lines)
)
